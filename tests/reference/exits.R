# Makes the figures that tests/test_recurrence_exits_reference.py compares with. Run in this folder: Rscript exits.R
# R 4.2.2 and survival 3.5-3 make exits.json, but for the parts named cmprsk_*, which cmprsk 2.2-11 made by the commands
# beside them and which are written out here. Data as R's survival ships them: mgus2 (Kyle et al. 2002), kidney
# (McGilchrist and Aisbett 1991).
library(survival)

mgus2 <- read.csv("mgus2.csv")
mgus2$etime <- with(mgus2, ifelse(pstat == 0, futime, ptime))
mgus2$ev <- with(mgus2, ifelse(pstat == 0, 2 * death, 1))
mgus2$end <- factor(mgus2$ev, 0:2, c("censored", "pcm", "death"))
mgus2$start <- 12 * mgus2$age
mgus2$stop <- mgus2$start + mgus2$etime

# Two rows to a patient; which of two ways a row ended is made up from the age, to have ends that compete.
kidney <- read.csv("kidney.csv")
kidney$end <- factor(with(kidney, ifelse(status == 0, 0, ifelse(age > 45, 2, 1))), 0:2, c("censored", "one", "two"))
kidney$row <- seq_len(nrow(kidney))

curve <- function(fit) {
  n <- if (is.null(fit$strata)) length(fit$time) else fit$strata
  list(
    n = n, time = fit$time, n.risk = fit$n.risk[, 1],
    share = fit$pstate[, -1], se = fit$std.err[, -1], stayed = fit$pstate[, 1], se.stayed = fit$std.err[, 1],
    lower = fit$lower[, -1], upper = fit$upper[, -1]
  )
}
# Only the limits, and only of every fifth day: the rest is that of the curve above.
limits <- function(fit) {
  some <- seq(1, length(fit$time), 5)
  list(time = fit$time[some], share = fit$pstate[some, -1], lower = fit$lower[some, -1], upper = fit$upper[some, -1])
}
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)
model <- function(fit) {
  list(coef = coef(fit), var = fit$var, naive = if (is.null(fit$naive.var)) fit$var else fit$naive.var, loglik = fit$loglik)
}

# survival 3.5-3 takes no notice of cluster= where ends compete (it does where they do not), so what each row does to
# the shares is added up by patient here.
fit <- survfit(Surv(time, end) ~ 1, data = kidney, id = row, influence = TRUE)
by_patient <- apply(fit$influence.pstate, 2:3, function(each) sqrt(sum(rowsum(each, kidney$id)^2)))[-1, ]  # not day 0
one_way <- survfit(Surv(time, status) ~ 1, data = kidney, cluster = id)
stopifnot(all.equal(by_patient[, 1], one_way$std.err))
clustered <- list(
  time = fit$time, n.risk = fit$n.risk[, 1], share = fit$pstate[, -1], se = by_patient[, -1],
  stayed = fit$pstate[, 1], se.stayed = by_patient[, 1]
)

weighted <- finegray(Surv(etime, end) ~ ., data = mgus2[, c("id", "age", "sex", "etime", "end")], etype = "pcm")
fg <- Surv(fgstart, fgstop, fgstatus) ~ age + sex

found <- list(
  aalen_johansen_by_sex = curve(survfit(Surv(etime, end) ~ sex, data = mgus2, id = id)),
  log_log = limits(survfit(Surv(etime, end) ~ 1, data = mgus2, id = id, conf.type = "log-log")),
  plain = limits(survfit(Surv(etime, end) ~ 1, data = mgus2, id = id, conf.type = "plain")),
  late_entry_by_sex = curve(survfit(Surv(start, stop, end) ~ sex, data = mgus2, id = id)),
  clustered = clustered,
  finegray_expand = list(
    nrow = nrow(weighted), sum = sum(weighted$fgwt),
    start = head(weighted$fgstart, 400), stop = head(weighted$fgstop, 400), wt = head(weighted$fgwt, 400)
  ),
  finegray_efron_by_row = model(coxph(fg, weights = fgwt, data = weighted, control = tight)),
  finegray_efron = model(coxph(fg, weights = fgwt, data = weighted, cluster = id, control = tight)),
  finegray_breslow = model(coxph(fg, weights = fgwt, data = weighted, cluster = id, ties = "breslow", control = tight)),
  cause_pcm = model(coxph(Surv(etime, ev == 1) ~ age + sex, data = mgus2, control = tight)),
  cause_death = model(coxph(Surv(etime, ev == 2) ~ age + sex, data = mgus2, control = tight)),
  # cmprsk::cuminc(etime, ev, group = sex, cencode = 0); timepoints(, TIMES)$est, rows: F 1, M 1, F 2, M 2
  cmprsk_cuminc = list(
    statistic = c(
      1.1945078250755148, 11.651259012127738
    ), p = c(
      0.2744221567880042, 0.0006415909764079242
    ), times = c(60, 120, 240), share = c(
      0.039789621504405334, 0.07388566437592622, 0.10494067418613699, 0.029346284458366286,
      0.05531024064815705, 0.09565075503097747, 0.2639651454577006, 0.48049004577469534,
      0.6953078030319834, 0.367626985608863, 0.5751784888794913, 0.7481278892657353
    )
  ),
  # cmprsk::crr(etime, ev, cbind(age, sexM), failcode = 1, cencode = 0, gtol = 1e-12)
  cmprsk_crr = list(
    coef = c(
      -0.01733815321937882, -0.2600382378279495
    ), var = c(
      3.2914353605662624e-05, 8.681809773733338e-05, 8.681809773733337e-05, 0.03447744668221909
    ), loglik = c(
      -793.7744204025222, -790.1213151695408
    )
  )
)

numbers <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", x)), collapse = ", "), "]")
case <- function(name) {
  rows <- sprintf("  \"%s\": %s", names(found[[name]]), vapply(found[[name]], numbers, ""))
  sprintf(" \"%s\": {\n%s\n }", name, paste(rows, collapse = ",\n"))
}
cat("{\n", paste(vapply(names(found), case, ""), collapse = ",\n"), "\n}\n", sep = "", file = "exits.json")
