# Times R's survival on one task: Rscript recurrence.R TASK DATA REPEATS OUT. Called by recurrence.py; the data are raw
# columns of doubles (recurrence_data.py). Reading them is not counted. OUT gets the seconds and the figures as JSON.
suppressPackageStartupMessages(library(survival))
given <- commandArgs(TRUE)
task <- given[1]
path <- given[2]
repeats <- as.integer(given[3])

about <- paste(readLines(sub("\\.bin$", ".json", path)), collapse = "")
names_of <- strsplit(gsub("[\" ]", "", sub(".*\"names\": *\\[([^]]*)\\].*", "\\1", about)), ",")[[1]]
rows <- as.integer(sub(".*\"rows\": *([0-9]+).*", "\\1", about))
values <- readBin(path, "double", rows * length(names_of))
data <- as.data.frame(matrix(values, ncol = length(names_of), dimnames = list(NULL, names_of)))
rm(values)
covariates <- c(paste0("x", 1:8), "recent", "moved")
grid <- (1:24) * 30
at <- function(fit, value, first) c(first, value)[findInterval(grid, fit$time) + 1]
rates <- function(response, more = NULL) reformulate(c(covariates, more), response)

tasks <- list(
  cox = function() {
    fit <- coxph(rates("Surv(start, stop, event)"), data, cluster = child_id, ties = "efron")
    list(coef = coef(fit), se = sqrt(diag(fit$naive.var)), robust_se = sqrt(diag(fit$var)), loglik = fit$loglik[2])
  },
  cox_fit_only = function() {
    x <- as.matrix(data[covariates])
    y <- Surv(data$start, data$stop, data$event)
    fit <- agreg.fit(x, y, strata = NULL, offset = NULL, init = NULL, control = coxph.control(), weights = NULL,
                     method = "efron", rownames = NULL)
    list(coef = fit$coefficients, se = sqrt(diag(fit$var)), loglik = fit$loglik[2])
  },
  frailty = function() {
    fit <- coxph(rates("Surv(start, stop, event)", "frailty(child_id)"), data)
    history <- fit$history[[1]]
    list(coef = coef(fit), theta = history$theta, loglik = history$c.loglik)
  },
  mean_cumulative = function() {
    fit <- survfit(Surv(start, stop, event) ~ 1, data, id = child_id, cluster = child_id, robust = TRUE)
    list(mean = at(fit, fit$cumhaz, 0), se = at(fit, fit$std.chaz, 0))
  },
  kaplan_meier = function() {
    fit <- survfit(Surv(stop - start, event) ~ 1, data, conf.type = "log-log")
    list(share = at(fit, fit$surv, 1), se = at(fit, fit$std.err * fit$surv, 0))
  },
  late_entry = function() {
    fit <- survfit(Surv(start, stop, event) ~ 1, data, id = child_id, robust = FALSE)
    list(share = at(fit, fit$surv, 1), hazard = at(fit, fit$cumhaz, 0), se = at(fit, fit$std.chaz, 0))
  },
  concordance = function() {
    score <- as.numeric(as.matrix(data[covariates]) %*% rep(0.1, 10))
    fit <- concordance(Surv(start, stop, event) ~ score, data, cluster = child_id, reverse = TRUE)
    list(concordance = fit$concordance, se = sqrt(fit$var))
  },
  schoenfeld = function() {
    fit <- coxph(rates("Surv(start, stop, event)"), data)
    clock <- proc.time()
    found <- cox.zph(fit, transform = "identity", terms = FALSE)$table
    list(chisq = found[, 1], clock = proc.time() - clock)
  }
)

seconds <- cpu <- numeric(0)
for (turn in seq_len(repeats)) {
  invisible(gc())
  taken <- system.time(found <- tasks[[task]]())
  if (!is.null(found$clock)) taken <- found$clock # only the part that is asked about
  found$clock <- NULL
  seconds <- c(seconds, taken[["elapsed"]])
  cpu <- c(cpu, taken[["user.self"]] + taken[["sys.self"]])
}
status <- readLines("/proc/self/status")
peak <- as.numeric(gsub("[^0-9]", "", status[startsWith(status, "VmHWM")])) / 1024
numbers <- function(x) paste0("[", paste(ifelse(is.finite(x), sprintf("%.17g", x), "null"), collapse = ", "), "]")
values <- paste(sprintf("\"%s\": %s", names(found), vapply(found, numbers, "")), collapse = ", ")
cat(sprintf("{\"seconds\": %s, \"cpu\": %s, \"peak_mb\": %.0f, \"values\": {%s}}\n", numbers(seconds), numbers(cpu), peak,
            values), file = given[4])
