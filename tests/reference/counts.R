# Makes the figures that tests/test_recurrence_rates_reference.py compares with. Run in this folder: Rscript counts.R
# R 4.2.2 makes counts.json, but for the part named cgd_negbin, which MASS 7.3-58.2 made by the command beside it and
# which is written out here. Data: cgd (Fleming and Harrington 1991), one row per patient.
cgd <- read.csv("cgd.csv")
counts <- data.frame(
  n = as.vector(tapply(cgd$event, cgd$id, sum)),
  fu = as.vector(tapply(cgd$stop, cgd$id, max)),
  treat = as.vector(tapply(cgd$treat == "rIFN-g", cgd$id, max)),
  age = as.vector(tapply(cgd$age, cgd$id, max)),
  steroids = as.vector(tapply(cgd$steroids, cgd$id, max))
)

poisson <- glm(n ~ treat + age + steroids + offset(log(fu)), family = poisson, data = counts,
               control = glm.control(epsilon = 1e-14, maxit = 100))

found <- list(
  cgd_poisson = list(
    coef = coef(poisson), vcov = vcov(poisson), loglik = as.numeric(logLik(poisson)), deviance = deviance(poisson)
  ),
  # MASS::glm.nb(n ~ treat + age + steroids + offset(log(fu)), control = glm.control(epsilon = 1e-14, maxit = 200))
  # R takes the error of theta one step of its search before the last, hence its fewer digits.
  cgd_negbin = list(
    coef = c(
      -5.412123020184764, -1.0190458710334296, -0.03449881185861051, 0.9778873909798073
    ), vcov = c(
      0.07788367751858671, -0.036966460140195674, -0.0035032613774449517, 0.0005093351364291362,
      -0.036966460140195674, 0.09505912685632854, 0.00041044227623341945, -6.961127118248357e-05,
      -0.0035032613774449517, 0.00041044227623341945, 0.00027049696135651567, -0.001799483525590139,
      0.0005093351364291362, -6.961127118248357e-05, -0.001799483525590139, 0.5447794792967303
    ),
    theta = 1.3143598832447396, se.theta = 0.642162002896651, loglik = -122.9424439156554
  )
)

numbers <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
case <- function(name) {
  rows <- sprintf("  \"%s\": %s", names(found[[name]]), vapply(found[[name]], numbers, ""))
  sprintf(" \"%s\": {\n%s\n }", name, paste(rows, collapse = ",\n"))
}
cat("{\n", paste(vapply(names(found), case, ""), collapse = ",\n"), "\n}\n", sep = "", file = "counts.json")
