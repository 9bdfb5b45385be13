# Makes the figures that tests/test_recurrence_cox_after_reference.py compares with. Run here: Rscript cox_after.R
# R 4.2.2 and survival 3.5-3 make cox_after.json. Fits converge to 1e-12, so that what is compared is what comes after.
# Data, as published: lung (Loprinzi 1994), bladder and bladder2 (Wei, Lin and Weissfeld 1989), cgd (Fleming and
# Harrington 1991), heart (Crowley and Hu 1977), mgus2 (Kyle 2002).
library(survival)

lung <- read.csv("lung.csv"); lung$event <- lung$status - 1
lung <- lung[!is.na(lung$ph.ecog), ]
lung$w <- 1 + (seq_len(nrow(lung)) %% 3) / 2
bladder <- read.csv("bladder.csv")
bladder2 <- read.csv("bladder2.csv")
cgd <- read.csv("cgd.csv"); cgd$treated <- as.numeric(cgd$treat == "rIFN-g"); cgd$order <- pmin(cgd$enum, 4)
heart <- read.csv("heart.csv")
mgus2 <- read.csv("mgus2.csv"); mgus2 <- mgus2[!is.na(mgus2$hgb) & !is.na(mgus2$mspike), ]
mgus2$start <- 12 * mgus2$age; mgus2$stop <- mgus2$start + mgus2$futime; mgus2$male <- as.numeric(mgus2$sex == "M")
mgus2 <- mgus2[mgus2$stop > mgus2$start, ]

tight <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 60)
models <- function(ties) {
  fit <- function(...) eval.parent(substitute(coxph(..., ties = ties, control = tight)))
  list(
    lung = fit(Surv(time, event) ~ age + sex + ph.ecog, data = lung),
    lung_weights = fit(Surv(time, event) ~ age + sex + ph.ecog, data = lung, weights = w, robust = FALSE),
    lung_offset = fit(Surv(time, event) ~ age + offset(0.3 * sex), data = lung),
    lung_strata = fit(Surv(time, event) ~ age + ph.ecog + strata(sex), data = lung),
    bladder2 = fit(Surv(start, stop, event) ~ rx + number + size, data = bladder2, cluster = id),
    bladder2_total = fit(Surv(start, stop, event) ~ rx + number + size + strata(enum), data = bladder2, cluster = id),
    bladder2_gap = fit(Surv(stop - start, event) ~ rx + number + size + strata(enum), data = bladder2, cluster = id),
    bladder_wlw = fit(Surv(stop, event) ~ rx + number + size + strata(enum), data = bladder, cluster = id),
    cgd = fit(Surv(start, stop, event) ~ treated + steroids, data = cgd, cluster = id),
    cgd_formula = fit(Surv(start, stop, event) ~ treated + hos.cat + age, data = cgd, cluster = id),
    cgd_total = fit(Surv(start, stop, event) ~ treated + steroids + strata(order), data = cgd, cluster = id),
    heart = fit(Surv(start, stop, event) ~ age + year + surgery + transplant, data = heart, cluster = id),
    mgus2 = fit(Surv(start, stop, death) ~ male + hgb + mspike, data = mgus2)
  )
}
zph <- function(fit) {
  found <- lapply(c("km", "identity", "rank", "log"), function(t) cox.zph(fit, transform = t)$table)
  unlist(lapply(found, function(t) c(t[, "chisq"], t[, "df"], t[, "p"])))
}
agreement <- function(fit) {
  found <- concordance(fit, keepstrata = FALSE)
  counted <- found$count
  c(found$concordance, found$var, found$cvar, if (is.matrix(counted)) colSums(counted) else counted)
}
curves <- function(fit, newdata) {
  s <- survfit(fit, newdata = newdata)
  if (length(s$strata)) return(list(time = s$time, strata = as.numeric(s$strata), mean = s$cumhaz, se = s$std.err))
  kept <- unique(round(seq(1, length(s$time), length.out = 40)))
  list(time = s$time[kept], mean = as.numeric(t(s$cumhaz[kept, ])), se = as.numeric(t(s$std.err[kept, ])))
}

# What each child adds to the variance of a predicted mean: its derivative by the child's weight, by differences.
jackknife <- function(ties) {
  curve <- function(w) {
    fit <- coxph(Surv(start, stop, event) ~ rx + size, data = transform(bladder2, w = w), weights = w, ties = ties,
                 control = tight, robust = FALSE)
    b <- basehaz(fit, centered = FALSE)
    exp(sum(coef(fit) * c(2, 3))) * b$hazard[match(c(2, 10, 26, 49), b$time)]
  }
  h <- 1e-4
  slope <- sapply(unique(bladder2$id), function(i) {
    child <- bladder2$id == i
    (curve(ifelse(child, 1 + h, 1)) - curve(ifelse(child, 1 - h, 1))) / (2 * h)
  })
  list(mean = curve(rep(1, nrow(bladder2))), se = sqrt(rowSums(slope^2)))
}

# The Schoenfeld test with a variance by child: covariate times g(time) in rows split at every event time.
robust_zph <- function(ties) {
  fit <- models(ties)$bladder2
  k <- survfit(Surv(start, stop, event) ~ 1, data = bladder2)
  days <- sort(unique(bladder2$stop[bladder2$event == 1]))
  g <- 1 - c(1, k$surv)[findInterval(days, k$time, left.open = TRUE) + 1]
  g <- g - mean(g[match(bladder2$stop[bladder2$event == 1], days)])
  split <- survSplit(Surv(start, stop, event) ~ ., data = bladder2, cut = days)
  x <- as.matrix(split[, c("rx", "number", "size")])
  split$z <- x * g[pmin(findInterval(split$stop, days, left.open = TRUE) + 1, length(days))]
  wide <- coxph(Surv(start, stop, event) ~ rx + number + size + z, data = split, ties = ties,
                init = c(coef(fit), 0, 0, 0), control = coxph.control(iter.max = 0, eps = 1e-12, toler.chol = 1e-13))
  u <- rowsum(resid(wide, type = "score"), split$id)
  info <- solve(vcov(wide))
  e <- u[, 4:6] - u[, 1:3] %*% solve(info[1:3, 1:3], info[1:3, 4:6])
  v <- crossprod(e); s <- colSums(u[, 4:6])
  pchisq(c(s^2 / diag(v), drop(s %*% solve(v, s))), c(1, 1, 1, 3), lower.tail = FALSE)
}

# Leaving out those who together pull a coefficient furthest to one side.
left_out <- function(ties) {
  fit <- models(ties)$bladder2
  u <- rowsum(resid(fit, type = "score"), bladder2$id)
  moves <- -u %*% fit$naive.var
  unlist(lapply(1:3, function(j) lapply(c(1, 5), function(n) {
    up <- order(-moves[, j])[1:n]; down <- order(moves[, j])[1:n]
    out <- if (sum(moves[up, j]) >= -sum(moves[down, j])) up else down
    kept <- bladder2[!bladder2$id %in% as.numeric(rownames(u))[out], ]
    again <- coxph(Surv(start, stop, event) ~ rx + number + size, data = kept, ties = ties, control = tight)
    c(coef(again)[j] - coef(fit)[j], sum(moves[out, j]))
  })))
}

found <- list()
for (ties in c("efron", "breslow")) {
  fits <- models(ties)
  for (name in names(fits)) {
    found[[paste(name, ties, sep = "__")]] <- list(zph = zph(fits[[name]]), concordance = agreement(fits[[name]]))
  }
  add <- function(name, newdata) {
    key <- paste(name, ties, sep = "__")
    found[[key]] <<- c(found[[key]], curves(fits[[name]], newdata))
  }
  add("lung", data.frame(age = c(50, 70), sex = c(1, 2), ph.ecog = c(0, 2)))
  add("lung_weights", data.frame(age = c(50, 70), sex = c(1, 2), ph.ecog = c(0, 2)))
  add("lung_offset", data.frame(age = c(50, 70), sex = c(1, 2)))
  add("bladder2", data.frame(rx = c(1, 2), number = c(1, 4), size = c(2, 3)))
  add("cgd", data.frame(treated = c(0, 1), steroids = c(0, 0)))
  add("heart", data.frame(age = c(-10, 5), year = c(1, 4), surgery = c(0, 1), transplant = c(0, 1)))
  add("mgus2", data.frame(male = c(0, 1), hgb = c(10, 14), mspike = c(1, 2)))
  # By stratum, with one pattern, R gives the strata one after the other.
  add("bladder2_total", data.frame(rx = 2, number = 2, size = 1))
  add("lung_strata", data.frame(age = 60, ph.ecog = 1))
  found[[paste("jackknife", ties, sep = "__")]] <- jackknife(ties)
  found[[paste("robust_zph", ties, sep = "__")]] <- list(p = robust_zph(ties))
  found[[paste("left_out", ties, sep = "__")]] <- list(change = left_out(ties))
}
uno <- concordance(fits$lung, timewt = "n/G2")
found$uno <- list(concordance = c(uno$concordance, uno$var), score = coef(fits$lung))

numbers <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", x)), collapse = ", "), "]")
case <- function(name) {
  rows <- sprintf("  \"%s\": %s", names(found[[name]]), vapply(found[[name]], numbers, ""))
  sprintf(" \"%s\": {\n%s\n }", name, paste(rows, collapse = ",\n"))
}
cat("{\n", paste(vapply(names(found), case, ""), collapse = ",\n"), "\n}\n", sep = "", file = "cox_after.json")
