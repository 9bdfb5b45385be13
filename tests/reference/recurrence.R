# Makes the figures that tests/test_recurrence_reference.py compares with. Run in this folder: Rscript recurrence.R
# R 4.2.2 and survival 3.5-3 make recurrence.json. The figures of reda 0.5.6 and survrec 1.2-2 (at the end) were printed
# to 7 or 8 decimals and stand in the test itself.
# Data, as published: bladder2 (Wei, Lin and Weissfeld 1989), cgd (Fleming and Harrington 1991), valve_seats (Nelson and
# Doganaksoy 1989), mmc (Aalen and Husebye 1991).
library(survival)

bladder2 <- read.csv("bladder2.csv")
cgd <- read.csv("cgd.csv")
mmc <- read.csv("mmc.csv")

curve <- function(fit) {
  list(time = fit$time, n.risk = fit$n.risk, n.event = fit$n.event, mcf = fit$cumhaz, se = fit$std.chaz)
}
survivors <- function(fit) {
  s <- summary(fit)  # distinct days with an event
  list(time = s$time, surv = s$surv)
}

# Wang and Chang (1999) is a weighted Kaplan-Meier: without the last, unfinished gap of a subject that has a finished
# one, each gap left weighing 1 / their number.
finished <- ave(mmc$event, mmc$id, FUN = sum)
kept <- mmc[mmc$event == 1 | finished == 0, ]
kept$w <- 1 / ave(kept$event, kept$id, FUN = length)
first <- mmc[!duplicated(mmc$id), ]
greenwood <- survfit(Surv(time, event) ~ 1, data = first, conf.type = "log-log")

found <- list(
  bladder2_by_rx_robust = curve(survfit(Surv(start, stop, event) ~ rx, data = bladder2, id = id, robust = TRUE)),
  cgd_all_robust = curve(survfit(Surv(start, stop, event) ~ 1, data = cgd, id = id, robust = TRUE)),
  cgd_all_naive = curve(survfit(Surv(start, stop, event) ~ 1, data = cgd, id = id, robust = FALSE)),
  cgd_by_treat_robust = curve(survfit(Surv(start, stop, event) ~ treat, data = cgd, id = id, robust = TRUE)),
  mmc_wang_chang = survivors(survfit(Surv(time, event) ~ 1, data = kept, weights = w)),
  mmc_pooled = survivors(survfit(Surv(time, event) ~ 1, data = mmc)),
  mmc_first = c(survivors(greenwood), list(lower = summary(greenwood)$lower, upper = summary(greenwood)$upper))
)

numbers <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", x)), collapse = ", "), "]")
case <- function(name) {
  rows <- sprintf("  \"%s\": %s", names(found[[name]]), vapply(found[[name]], numbers, ""))
  sprintf(" \"%s\": {\n%s\n }", name, paste(rows, collapse = ",\n"))
}
cat("{\n", paste(vapply(names(found), case, ""), collapse = ",\n"), "\n}\n", sep = "", file = "recurrence.json")

# Figures printed in the test:
#   days <- c(61, 98, 265, 408, 561, 653)
#   reda::mcf(reda::Recur(days, id, event) ~ 1, data = read.csv("valve_seats.csv"), variance = "LawlessNadeau")
#   gaps <- survrec::Survr(mmc$id, mmc$time, mmc$event); survrec::wc.fit(gaps); survrec::psh.fit(gaps)
