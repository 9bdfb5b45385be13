# Makes the figures that tests/test_recurrence_cox_reference.py compares with. Run in this folder: Rscript cox.R
# R 4.2.2 and survival 3.5-3 make cox.json. Data as R's survival documents them: bladder, bladder2 (Wei, Lin and
# Weissfeld 1989), cgd (Fleming and Harrington 1991), heart, lung, mgus2.
library(survival)

bladder <- read.csv("bladder.csv")
bladder2 <- read.csv("bladder2.csv")
bladder2$w <- 1 + (seq_len(nrow(bladder2)) %% 3) / 2
cgd <- read.csv("cgd.csv", check.names = FALSE)
cgd$hos <- cgd[["hos.cat"]]
cgd$treat <- as.numeric(cgd$treat == "rIFN-g")
cgd$sex <- as.numeric(cgd$sex == "female")
cgd$inherit <- as.numeric(cgd$inherit == "autosomal")
heart <- read.csv("heart.csv")
heart$row <- seq_len(nrow(heart))
heart$w <- 1 + (seq_len(nrow(heart)) %% 4) / 3
lung <- read.csv("lung.csv")
lung$w <- 1 + (seq_len(nrow(lung)) %% 3) / 2
mgus2 <- read.csv("mgus2.csv")
mgus2$start <- 12 * mgus2$age
mgus2$stop <- mgus2$start + mgus2$futime
mgus2 <- mgus2[mgus2$stop > mgus2$start, ]
mgus2$sexM <- as.numeric(mgus2$sex == "M")
years <- transform(mgus2, start = age, stop = age + futime / 12)

tight <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 60)
plain <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 60, timefix = FALSE)
agree <- list(
  lung_age_sex_ecog = quote(coxph(Surv(time, status) ~ age + sex + ph.ecog, lung, control = tight, ties = tie)),
  lung_strata_sex = quote(coxph(Surv(time, status) ~ age + ph.ecog + strata(sex), lung, control = tight, ties = tie)),
  lung_weighted = quote(coxph(Surv(time, status) ~ age + sex, lung, weights = w, robust = FALSE, control = tight,
    ties = tie)),
  lung_offset = quote(coxph(Surv(time, status) ~ age + offset(0.3 * sex), lung, control = tight, ties = tie)),
  bladder2_AG = quote(coxph(Surv(start, stop, event) ~ rx + number + size, bladder2, cluster = id, control = tight,
    ties = tie)),
  bladder2_AG_weighted_robust = quote(coxph(Surv(start, stop, event) ~ rx + number + size, bladder2, weights = w,
    cluster = id, control = tight, ties = tie)),
  bladder2_AG_offset = quote(coxph(Surv(start, stop, event) ~ rx + size + offset(0.2 * number), bladder2, cluster = id,
    control = tight, ties = tie)),
  cgd_AG = quote(coxph(Surv(start, stop, event) ~ treat + sex + age + height + weight + steroids + propylac, cgd,
    cluster = id, control = tight, ties = tie)),
  cgd_AG_inherit_strata_hos = quote(coxph(Surv(start, stop, event) ~ treat + inherit + steroids + strata(hos), cgd,
    cluster = id, control = tight, ties = tie)),
  bladder2_PWP_total = quote(coxph(Surv(start, stop, event) ~ rx + number + size + strata(enum), bladder2, cluster = id,
    control = tight, ties = tie)),
  bladder2_PWP_gap = quote(coxph(Surv(stop - start, event) ~ rx + number + size + strata(enum), bladder2, cluster = id,
    control = tight, ties = tie)),
  cgd_PWP_total = quote(coxph(Surv(start, stop, event) ~ treat + steroids + strata(pmin(enum, 4)), cgd, cluster = id,
    control = tight, ties = tie)),
  cgd_PWP_gap = quote(coxph(Surv(stop - start, event) ~ treat + steroids + strata(pmin(enum, 4)), cgd, cluster = id,
    control = tight, ties = tie)),
  bladder2_PWP_gap_event_specific = quote(coxph(Surv(stop - start, event) ~ rx:strata(enum) + number + size, bladder2,
    cluster = id, control = tight, ties = tie)),
  bladder_WLW = quote(coxph(Surv(stop, event) ~ rx + number + size + strata(enum), bladder, cluster = id,
    control = tight, ties = tie)),
  bladder_WLW_interactions = quote(coxph(Surv(stop, event) ~ (rx + number + size) * strata(enum), bladder, cluster = id,
    control = tight, ties = tie)),
  heart_tvc = quote(coxph(Surv(start, stop, event) ~ age + year + surgery + transplant, heart, cluster = id,
    control = tight, ties = tie)),
  heart_weighted_robust_by_row = quote(coxph(Surv(start, stop, event) ~ age + transplant, heart, weights = w,
    cluster = row, control = tight, ties = tie)),
  mgus2_delayed_entry = quote(coxph(Surv(start, stop, death) ~ sexM + hgb + mspike, mgus2, control = tight,
    ties = tie)),
  mgus2_delayed_entry_clustered = quote(coxph(Surv(start, stop, death) ~ sexM + hgb + mspike, mgus2, cluster = id %/% 3,
    control = tight, ties = tie)),
  mgus2_float_timefix_on = quote(coxph(Surv(start, stop, death) ~ sexM + hgb + mspike, years, control = tight,
    ties = tie)),
  mgus2_float_timefix_off = quote(coxph(Surv(start, stop, death) ~ sexM + hgb + mspike, years, control = plain,
    ties = tie))
)

found <- list()
for (tie in c("efron", "breslow")) {
  for (name in names(agree)) {
    fit <- eval(agree[[name]])
    told <- list(coef = fit$coefficients, var = fit$var, loglik = fit$loglik, score = fit$score, wald = fit$wald.test)
    if (!is.null(fit$naive.var)) told <- c(told, list(naive_var = fit$naive.var))
    # The robust score test of survival 3.5-3 forgets the offset, so it is not carried over where there is one.
    if (!is.null(fit$naive.var) && !grepl("offset", name)) told <- c(told, list(robust_score = fit$rscore))
    without <- c("bladder2_PWP_gap_event_specific", "bladder_WLW_interactions", "mgus2_float_timefix_off")
    base <- if (name %in% without) NULL else basehaz(fit, centered = FALSE)
    if (!is.null(base)) {
      # At event times only: elsewhere it does not move. basehaz leaves the offset's mean in; it is taken out here.
      added <- model.offset(model.frame(fit))
      strata <- if (is.null(base$strata)) rep("", nrow(base)) else as.character(base$strata)
      step <- ave(base$hazard, strata, FUN = function(h) c(h[1], diff(h))) > 0
      told$baseline_days <- base$time[step]
      told$baseline <- base$hazard[step] * exp(if (is.null(added)) 0 else -mean(added))
    }
    if (grepl("^bladder2_AG", name)) {
      told$score_residuals <- residuals(fit, type = "score", weighted = TRUE)[, 1]
    }
    found[[paste0(name, "__", tie)]] <- told
  }
}

numbers <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", x)), collapse = ", "), "]")
case <- function(name) {
  rows <- sprintf("  \"%s\": %s", names(found[[name]]), vapply(found[[name]], numbers, ""))
  paste0("\"", name, "\": {\n", paste(rows, collapse = ",\n"), "\n}")
}
writeLines(paste0("{\n", paste(vapply(names(found), case, ""), collapse = ",\n"), "\n}"), "cox.json")
