# Makes the figures that tests/test_recurrence_curves_reference.py compares with: Rscript curves.R, in this folder.
# R 4.2.2 and survival 3.5-3 make curves.json. The figures of reda 0.5.6 and survrec 1.2-2 (at the end) were printed to
# 7 or 8 decimals and stand in the test itself.
# Data, as published: bladder1, bladder2 (Wei, Lin and Weissfeld 1989), cgd (Fleming and Harrington 1991), lung and
# mgus2 (as in R's survival), valve_seats (Nelson and Doganaksoy 1989), mmc (Aalen and Husebye 1991).
library(survival)

bladder1 <- subset(read.csv("bladder1.csv"), start < stop)
bladder2 <- read.csv("bladder2.csv")
cgd <- read.csv("cgd.csv")
lung <- read.csv("lung.csv")
inst <- subset(lung, !is.na(inst))
staged <- subset(lung, !is.na(ph.ecog))
mgus2 <- read.csv("mgus2.csv")
mgus2$start <- 12 * mgus2$age # months of age: all enter late
mgus2$stop <- mgus2$start + mgus2$futime
late <- subset(mgus2, start < stop)
mmc <- read.csv("mmc.csv")

mean_curve <- function(fit) {
  list(time = fit$time, n.risk = fit$n.risk, n.event = fit$n.event, mcf = fit$cumhaz, se = fit$std.chaz)
}
survivors <- function(fit) {
  s <- summary(fit) # distinct days with an event
  list(time = s$time, surv = s$surv)
}
whole <- function(fit) { # std.err is that of log(surv), unless it is robust
  scale <- if (fit$logse) fit$surv else 1
  list(time = fit$time, n.risk = fit$n.risk, n.event = fit$n.event, n.censor = fit$n.censor, surv = fit$surv,
       se = fit$std.err * scale, lower = fit$lower, upper = fit$upper, cumhaz = fit$cumhaz, std.chaz = fit$std.chaz)
}
score <- function(fit) sum(residuals(fit, type = "score")) # of a fit at no difference

# Wang and Chang (1999) is a weighted Kaplan-Meier: without the last, unfinished gap of a subject that has a finished
# one, each gap left weighing 1 / their number.
finished <- ave(mmc$event, mmc$id, FUN = sum)
kept <- mmc[mmc$event == 1 | finished == 0, ]
kept$w <- 1 / ave(kept$event, kept$id, FUN = length)
first <- mmc[!duplicated(mmc$id), ]
greenwood <- survfit(Surv(time, event) ~ 1, data = first, conf.type = "log-log")

# Times equal in exact arithmetic: 0.1 + 0.2 and 0.3.
rounded <- data.frame(id = 1:4, start = c(0, 0, 0.1 + 0.2, 0), stop = c(0.1 + 0.2, 0.3, 1, 1), event = c(1, 0, 1, 0))
# Who enters at an event time is not yet at risk.
entering <- data.frame(id = 1:4, start = c(0, 0, 10, 0), stop = c(10, 20, 30, 30), event = c(1, 1, 1, 0))

rank <- survdiff(Surv(time, status) ~ sex, lung)
peto <- survdiff(Surv(time, status) ~ sex, lung, rho = 1)
found <- list(
  bladder2_by_rx_robust = mean_curve(survfit(Surv(start, stop, event) ~ rx, data = bladder2, id = id, robust = TRUE)),
  bladder1_by_treatment_robust = mean_curve(survfit(Surv(start, stop, status == 1) ~ treatment, data = bladder1,
                                                    id = id, robust = TRUE)),
  cgd_all_robust = mean_curve(survfit(Surv(start, stop, event) ~ 1, data = cgd, id = id, robust = TRUE)),
  cgd_all_naive = mean_curve(survfit(Surv(start, stop, event) ~ 1, data = cgd, id = id, robust = FALSE)),
  cgd_by_treat_robust = mean_curve(survfit(Surv(start, stop, event) ~ treat, data = cgd, id = id, robust = TRUE)),
  cgd_cluster_center = mean_curve(survfit(Surv(start, stop, event) ~ 1, data = cgd, id = id, cluster = center)),
  mmc_wang_chang = survivors(survfit(Surv(time, event) ~ 1, data = kept, weights = w)),
  mmc_pooled = survivors(survfit(Surv(time, event) ~ 1, data = mmc)),
  mmc_first = c(survivors(greenwood), list(lower = summary(greenwood)$lower, upper = summary(greenwood)$upper)),
  mmc_gaps_by_child = whole(survfit(Surv(time, event) ~ 1, data = mmc, cluster = id)),
  lung_log = whole(survfit(Surv(time, status) ~ 1, lung)),
  lung_loglog = whole(survfit(Surv(time, status) ~ 1, lung, conf.type = "log-log")),
  lung_by_sex_log = whole(survfit(Surv(time, status) ~ sex, lung)),
  lung_robust = whole(survfit(Surv(time, status) ~ 1, lung, robust = TRUE)),
  lung_cluster_inst = whole(survfit(Surv(time, status) ~ 1, lung, cluster = inst)),
  mgus2_delayed_entry = whole(survfit(Surv(start, stop, death) ~ 1, late)),
  mgus2_delayed_entry_robust = whole(survfit(Surv(start, stop, death) ~ 1, late, id = id, robust = TRUE)),
  rounded_times = whole(survfit(Surv(start, stop, event) ~ 1, rounded)),
  entry_at_an_event = whole(survfit(Surv(start, stop, event) ~ 1, entering)),
  log_rank = list(
    chisq = rank$chisq, obs = rank$obs, exp = rank$exp, var = c(rank$var), peto = peto$chisq, peto_obs = peto$obs,
    peto_exp = peto$exp, stratified = survdiff(Surv(time, status) ~ sex + strata(ph.ecog), lung)$chisq,
    by_ecog = survdiff(Surv(time, status) ~ ph.ecog, staged)$chisq,
    by_inst = c(coxph(Surv(time, status) ~ sex, inst, ties = "breslow", cluster = inst)$rscore),
    late_by_child = c(coxph(Surv(start, stop, death) ~ sex, late, ties = "breslow", cluster = id)$rscore)
  ),
  pseudo_score = list(
    bladder2 = score(coxph(Surv(start, stop, event) ~ I(rx == 1), bladder2, ties = "breslow", iter.max = 0)),
    cgd = score(coxph(Surv(start, stop, event) ~ I(treat == "placebo"), cgd, ties = "breslow", iter.max = 0))
  )
)

numbers <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", x)), collapse = ", "), "]")
case <- function(name) {
  rows <- sprintf("  \"%s\": %s", names(found[[name]]), vapply(found[[name]], numbers, ""))
  sprintf(" \"%s\": {\n%s\n }", name, paste(rows, collapse = ",\n"))
}
cat("{\n", paste(vapply(names(found), case, ""), collapse = ",\n"), "\n}\n", sep = "", file = "curves.json")

# Figures printed in the test:
#   days <- c(61, 98, 265, 408, 561, 653)
#   reda::mcf(reda::Recur(days, id, event) ~ 1, data = read.csv("valve_seats.csv"), variance = "LawlessNadeau")
#   gaps <- survrec::Survr(mmc$id, mmc$time, mmc$event); survrec::wc.fit(gaps); survrec::psh.fit(gaps)
# The pseudo-score test was compared with reda::mcfDiff.test on reda's simulated data, which are not copied here: scores
# 52.5855 and 35.7687, variances 670.1014 and 158.9869 (constant, linear), the same to all digits printed.
