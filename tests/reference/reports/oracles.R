# Writes the tables of this folder, which tests/reports holds the reports' statistics against.
#
#     Rscript oracles.R
#
# made them in this folder, with R 4.2.2, survival 3.5-3 and lme4 1.1-31. Nothing here knows how the program computes.

suppressPackageStartupMessages({
  library(boot)
  library(lme4)
  library(survival)
})
options(digits = 12)
write <- function(table, name) {
  numbers <- vapply(table, is.double, NA)
  table[numbers] <- lapply(table[numbers], signif, 12)
  write.csv(table, paste0(name, ".csv"), row.names = FALSE, quote = FALSE, na = "")
}

# --- proportions ------------------------------------------------------------------------------------------------------
pairs <- list(c(23, 40), c(58, 100), c(0, 8), c(8, 8), c(1, 1), c(0, 1), c(7, 1250000), c(137, 1250), c(625000, 1250000))
write(do.call(rbind, lapply(pairs, function(x) {
  ends <- suppressWarnings(prop.test(x[1], x[2], correct = FALSE))$conf.int
  data.frame(count = as.integer(x[1]), of = as.integer(x[2]), low = ends[1], high = ends[2])
})), "proportions")

# --- effects: BtheB (HSAUR3), at the start and at two months; the treatment group within all --------------------------
long <- read.csv("../trajectories/btheb.csv")
wide <- merge(long[long$month == 0, ], long[long$month == 2, c("subject", "bdi")], by = "subject", suffixes = c("", ".end"))
d <- function(data, rows = seq_len(nrow(data))) {
  with(data[rows, ], (mean(bdi) - mean(bdi.end)) / sd(bdi))
}
saes <- function(data, rows = seq_len(nrow(data))) {
  data <- data[rows, ]
  data$change <- data$bdi - data$bdi.end
  line <- lm(change ~ bdi, data = data)
  (mean(data$change) + mean(residuals(line)[data$treatment == 1])) / sd(data$bdi)
}
cases <- wide[wide$bdi >= 14, ]
set.seed(20051185)
drawn <- boot(wide, d, 20000)
drawn_saes <- boot(cases, saes, 20000, strata = cases$treatment)
percentiles <- function(b) quantile(b$t, c(0.025, 0.975))
write(data.frame(
  figure = c("n", "mean_before", "mean_after", "sd_before", "sd_after", "d", "d_error", "d_low", "d_high",
             "saes", "saes_error", "saes_low", "saes_high"),
  value = c(nrow(wide), mean(wide$bdi), mean(wide$bdi.end), sd(wide$bdi), sd(wide$bdi.end), d(wide), sd(drawn$t),
            percentiles(drawn), saes(cases), sd(drawn_saes$t), percentiles(drawn_saes))
), "effects")

# --- cumulative incidence ---------------------------------------------------------------------------------------------
cells <- function(time, event, name) {
  counted <- aggregate(list(count = rep(1L, length(time))), list(time = time, event = event), sum)
  write(counted, name)
}
log_log <- function(p, se) {
  # R's own interval of a curve that falls from 1.
  ends <- survival:::survfit_confint(p, se, logse = FALSE, conf.type = "log-log", conf.int = 0.95, selow = se)
  list(low = ends$lower, high = ends$upper)
}
# Monoclonal gammopathy (survival's mgus2): years to a plasma cell malignancy (1) or to death without one (2).
years <- with(mgus2, pmax(1, ceiling(ifelse(pstat == 1, ptime, futime) / 12)))
event <- with(mgus2, ifelse(pstat == 1, 1, 2 * death))
cells(years, event, "mgus2")
fit <- survfit(Surv(years, factor(event)) ~ 1)
free <- log_log(fit$pstate[, 1], fit$std.err[, 1])
first <- log_log(1 - fit$pstate[, 2], fit$std.err[, 2])
second <- log_log(1 - fit$pstate[, 3], fit$std.err[, 3])
write(data.frame(
  time = as.integer(fit$time), at_risk = as.integer(fit$n.risk[, 1]),
  free = fit$pstate[, 1], free_error = fit$std.err[, 1], free_low = free$low, free_high = free$high,
  first = fit$pstate[, 2], first_error = fit$std.err[, 2], first_low = 1 - first$high, first_high = 1 - first$low,
  second = fit$pstate[, 3], second_error = fit$std.err[, 3], second_low = 1 - second$high, second_high = 1 - second$low
), "mgus2.curves")

# Lung cancer trial (survival's veteran): weeks to death.
weeks <- ceiling(veteran$time / 7)
cells(weeks, veteran$status, "veteran")
fit <- survfit(Surv(weeks, veteran$status) ~ 1, conf.type = "log-log")
write(data.frame(time = as.integer(fit$time), at_risk = as.integer(fit$n.risk), free = fit$surv,
                 free_error = summary(fit, times = fit$time)$std.err, free_low = fit$lower, free_high = fit$upper), "veteran.curves")

# --- funnel: twelve services, three strata; one stands out --------------------------------------------------------------
set.seed(1185)
rate <- c(0.65, 0.5, 0.3)
units <- 12
of <- matrix(rpois(units * 3, rep(exp(seq(2.2, 5, length.out = units)), 3)), units)
shift <- c(rnorm(units - 1, 0, 0.35), 1.5)
count <- matrix(rbinom(units * 3, of, plogis(qlogis(rep(rate, each = units)) + shift)), units)
spread <- function(z) {
  ends <- quantile(z, c(0.1, 0.9))
  z[z < ends[1]] <- ends[1]
  z[z > ends[2]] <- ends[2]
  phi <- sum(z^2) / length(z)
  p <- pchisq(length(z) * phi, length(z) - 1, lower.tail = FALSE)
  c(phi = phi, p = p, inflation = if (phi > 1 && p < 0.05) sqrt(phi) else 1)
}
everywhere <- colSums(count) / colSums(of)
n <- rowSums(of)
expected <- rowSums(sweep(of, 2, everywhere, "*"))
error <- sqrt(rowSums(sweep(of, 2, everywhere * (1 - everywhere), "*")))
z <- (rowSums(count) - expected) / error
found <- spread(z)
p0 <- sum(count) / sum(of)
crude <- (rowSums(count) / n - p0) / sqrt(p0 * (1 - p0) / n)
found_crude <- spread(crude)
cut <- function(x) pmin(1, pmax(0, x))
limits <- function(middle, error, g) {
  data.frame(lower_95 = cut(middle - 1.96 * g * error), upper_95 = cut(middle + 1.96 * g * error),
             lower_998 = cut(middle - 3.09 * g * error), upper_998 = cut(middle + 3.09 * g * error))
}
raw <- limits(p0, sqrt(p0 * (1 - p0) / n), found_crude[["inflation"]])
names(raw) <- paste0("crude_", names(raw))
write(cbind(
  data.frame(count_1 = count[, 1], count_2 = count[, 2], count_3 = count[, 3],
             of_1 = of[, 1], of_2 = of[, 2], of_3 = of[, 3],
             share = rowSums(count) / n, expected = expected / n, z = z),
  limits(expected / n, error / n, found[["inflation"]]), data.frame(crude_z = crude), raw
), "funnel")
write(data.frame(of = c("strata", "crude"), rbind(found, found_crude), centre = p0), "funnel.spread")

# --- therapists -------------------------------------------------------------------------------------------------------
set.seed(76)
fitted <- function(data, name) {
  counted <- aggregate(list(count = rep(1L, nrow(data))), data, sum)
  write(counted[order(counted$therapist, counted$first, counted$end), ], name)
  control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9))
  model <- suppressMessages(lmer(end ~ first + (1 | therapist), data, control = control))
  effects <- ranef(model, condVar = TRUE)$therapist
  write(data.frame(therapist = as.integer(rownames(effects)), n = as.integer(table(data$therapist)),
                   effect = effects[[1]], sd = sqrt(as.vector(attr(effects, "postVar")))), paste0(name, ".effects"))
  spreads <- as.data.frame(VarCorr(model))$vcov
  data.frame(data = name, intercept = fixef(model)[[1]], slope = fixef(model)[[2]], tau2 = spreads[1], sigma2 = spreads[2])
}
simulated <- function(sizes, tau, sigma) {
  therapist <- rep(seq_along(sizes) - 1L, sizes)
  first <- round(pmin(27, pmax(4, rnorm(length(therapist), 15, 5))))
  u <- rnorm(length(sizes), 0, tau)
  end <- 2 + 0.5 * first + u[therapist + 1] + rnorm(length(therapist), 0, sigma)
  data.frame(therapist, first = as.integer(first), end = as.integer(pmin(27, pmax(0, round(end)))))
}
write(rbind(
  fitted(simulated(c(1, 2, 3, 5, 8, 8, 13, 15, 20, 25, 30, 40, 55, 70, 90), 1.5, 5), "therapists"),
  fitted(simulated(rep(12, 8), 0, 5), "alike")
), "therapists.models")
