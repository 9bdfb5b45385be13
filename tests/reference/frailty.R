# Makes the figures that tests/test_recurrence_frailty_reference.py compares with. Run in this folder: Rscript frailty.R
# R 4.2.2 and survival 3.5-3 make frailty.json.
# R's own search for theta stops early, so theta is sought here by optimize() over fits with theta held. c.loglik is what
# R prints as "I-likelihood". With sparse = FALSE all second derivatives are kept: the full standard errors.
# Data, as published: kidney (McGilchrist and Aisbett 1991), cgd (Fleming and Harrington 1991), bladder and bladder2 (Wei,
# Lin and Weissfeld 1989). In kidney and in bladder the rows of one person are open at one time.
library(survival)

kidney <- read.csv("kidney.csv")
cgd <- read.csv("cgd.csv")
cgd$treated <- as.numeric(cgd$treat != "placebo")
bladder <- read.csv("bladder.csv")
bladder2 <- read.csv("bladder2.csv")

right <- "rx + number + size"
cases <- list(
  kidney = list(kidney, "Surv(time, status)", "age + sex"),
  cgd = list(cgd, "Surv(start, stop, event)", "treated + steroids + age"),
  cgd_gap = list(cgd, "Surv(stop - start, event)", "treated + steroids + age"),
  bladder = list(bladder, "Surv(stop, event)", right),
  bladder_strata = list(bladder, "Surv(stop, event)", paste(right, "+ strata(enum)")),
  bladder2 = list(bladder2, "Surv(start, stop, event)", right)
)

fit <- function(case, ties, theta, sparse = TRUE) {
  model <- as.formula(sprintf("%s ~ %s + frailty(id, distribution = 'gamma', theta = %.17g, sparse = %s)",
    case[[2]], case[[3]], theta, sparse))
  tight <- coxph.control(eps = 1e-15, iter.max = 2000, toler.chol = 1e-16)
  suppressWarnings(coxph(model, data = case[[1]], ties = ties, control = tight))
}

numbers <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
figures <- function(case, ties) {
  height <- function(log_theta) fit(case, ties, exp(log_theta))$history[[1]]$c.loglik
  top <- optimize(height, c(log(0.05), log(20)), maximum = TRUE, tol = 1e-9)$maximum
  # A parabola through three points gives the standard error of log theta.
  h <- 0.02
  bend <- (height(top - h) - 2 * height(top) + height(top + h)) / h^2
  sparse <- fit(case, ties, exp(top))
  full <- fit(case, ties, exp(top), sparse = FALSE)
  plain <- coxph(as.formula(paste(case[[2]], "~", case[[3]])), data = case[[1]], ties = ties)
  p <- length(coef(plain))
  list(theta = exp(top), loglik = height(top), loglik_null = plain$loglik[2], coef = coef(full)[1:p],
    var_sparse = sparse$var[1:p, 1:p], se_full = sqrt(diag(full$var))[1:p], se_log_theta = 1 / sqrt(-bend))
}

rows <- character(0)
for (name in names(cases)) {
  for (ties in c("efron", "breslow")) {
    found <- figures(cases[[name]], ties)
    lines <- sprintf("    \"%s\": %s", names(found), vapply(found, numbers, ""))
    rows <- c(rows, sprintf("  \"%s__%s\": {\n%s\n  }", name, ties, paste(lines, collapse = ",\n")))
  }
}
writeLines(c("{", paste(rows, collapse = ",\n"), "}"), "frailty.json")
