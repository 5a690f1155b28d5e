# Reference fits of further designs and residual structures by lme4, lmerTest, pbkrtest and nlme. Run in this folder: Rscript designs.R
# Reads designs.csv, sleepstudy.csv (Belenky et al. 2003, from lme4) and orthodont.csv (Potthoff & Roy 1964, from nlme), writes designs.json.
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(nlme); library(jsonlite)})

all_data <- read.csv("designs.csv", stringsAsFactors = TRUE)
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e6), calc.derivs = FALSE)
fit <- function(formula, data) lmerTest::lmer(formula, data = data, REML = TRUE, control = control)

prepared <- function(name) {
  data <- droplevels(all_data[all_data$dataset == name, ])
  data$phase <- ifelse(data$window_start_s < 0, "baseline", "infusion")
  data$loading <- ifelse(data$phase == "baseline", -5 / 6, 1 / 6)
  data$time <- (data$window_start_s + data$window_stop_s) / 2 / 300
  data$cell <- interaction(data$condition, data$window, sep = ":")
  data$age_c <- data$age - mean(data$age)
  data
}

# The tests of a contrast: one row of weights gives t tests, several an F test.
tests <- function(model, weights) {
  one <- function(ddf) as.list(lmerTest::contest1D(model, weights[1, ], ddf = ddf, confint = TRUE))
  many <- function(ddf) as.list(lmerTest::contestMD(model, weights, ddf = ddf))
  f <- if (nrow(weights) > 1) many else one
  list(kenward_roger = f("Kenward-Roger"), satterthwaite = f("Satterthwaite"))
}

# Weights over cells: a named vector over conditions times one over windows (baseline, then five of the infusion).
over <- function(model, conditions, windows) {
  names <- sub("^cell", "", names(fixef(model)))
  parts <- strsplit(names, ":")
  sapply(parts, function(p) if (length(p) == 2 && p[1] %in% names(conditions) && grepl("^w", p[2]))
    conditions[[p[1]]] * windows[as.integer(sub("w", "", p[2])) + 1] else 0)
}
change <- c(-1, rep(1 / 5, 5))
start <- c(0, 300, 660, 900, 1320) / 60
trend <- c(0, (start - mean(start)) / sum((start - mean(start))^2))
by_window <- lapply(2:5, function(k) { w <- rep(0, 6); w[2] <- -1; w[k + 1] <- 1; w })

contrasts_of <- function(model, comparisons) {
  lapply(comparisons, function(conditions) list(
    change = tests(model, rbind(over(model, conditions, change))),
    trend = tests(model, rbind(over(model, conditions, trend))),
    by_window = tests(model, do.call(rbind, lapply(by_window, function(w) over(model, conditions, w))))))
}

four <- "(1 | participant) + (0 + loading | participant) + (1 | session) + (0 + loading | session)"
two <- "(1 | participant) + (0 + loading | participant)"
three_data <- prepared("three")
three_data$p2 <- (three_data$period == 2) - (three_data$period == 1)
three_data$p3 <- (three_data$period == 3) - (three_data$period == 1)
within_data <- prepared("within")
for (k in 2:4) within_data[[paste0("p", k)]] <- (within_data$period == k) - (within_data$period == 1)
factorial <- list(
  "nal_sal - pla_sal" = c(nal_sal = 1, pla_sal = -1),
  "drug, ketamine - saline" = c(pla_ket = .5, nal_ket = .5, pla_sal = -.5, nal_sal = -.5),
  "antagonist, naltrexone - placebo" = c(nal_sal = .5, nal_ket = .5, pla_sal = -.5, pla_ket = -.5),
  "drug x antagonist" = c(nal_ket = 1, nal_sal = -1, pla_ket = -1, pla_sal = 1))
designs <- list(
  three = list(data = three_data, fixed = "0 + cell + p2:phase + p3:phase", random = four,
    comparisons = list("b - a" = c(b = 1, a = -1), "c - a" = c(c = 1, a = -1))),
  parallel = list(data = prepared("parallel"), fixed = "0 + cell + age_c:phase", random = two,
    comparisons = list("b - a" = c(b = 1, a = -1))),
  between = list(data = prepared("between"), fixed = "0 + cell", random = two, comparisons = factorial),
  within = list(data = within_data, fixed = "0 + cell + p2:phase + p3:phase + p4:phase", random = four, comparisons = factorial),
  one = list(data = prepared("one"), fixed = "0 + cell", random = two, comparisons = list(a = c(a = 1))))

fit_design <- function(name) {
  d <- designs[[name]]
  model <- fit(as.formula(paste("y ~", d$fixed, "+", d$random)), d$data)
  list(dataset = name, singular = isSingular(model), log_likelihood = as.numeric(logLik(model)), comparisons = contrasts_of(model, d$comparisons))
}

# Data sets of other people: every coefficient, and all but the intercept together.
fit_known <- function(name, file, formula, text) {
  data <- read.csv(file, stringsAsFactors = TRUE)
  model <- fit(formula, data)
  coefficients <- function(ddf) {
    m <- summary(model, ddf = ddf)$coefficients
    lapply(split(m, rownames(m)), function(row) setNames(as.list(row), c("estimate", "se", "df", "t", "p")))
  }
  joint <- diag(length(fixef(model)))[-1, , drop = FALSE]
  list(name = name, formula = text, log_likelihood = as.numeric(logLik(model)), coefficients = names(fixef(model)),
    kenward_roger = coefficients("Kenward-Roger"), satterthwaite = coefficients("Satterthwaite"), joint = tests(model, joint))
}

# nlme: estimates and standard errors (not adjusted for small samples), variances, correlation.
nlme_control <- lmeControl(opt = "optim", msMaxIter = 500, reltol = 1e-14, msTol = 1e-14, tolerance = 1e-12, niterEM = 50)
structured <- function(model, extra) c(list(
  coefficients = names(fixef(model)), estimate = unname(fixef(model)), se = unname(sqrt(diag(vcov(model)))),
  log_likelihood = as.numeric(logLik(model)), sigma = model$sigma), extra(model))
random_sd <- function(model) as.numeric(VarCorr(model)[VarCorr(model)[, "StdDev"] != "", "StdDev"])
correlated <- lme(y ~ condition * time, random = ~ 1 | participant, data = prepared("correlated"), method = "REML",
  correlation = corCAR1(form = ~ time | participant / session), control = nlme_control)
alone <- gls(y ~ condition + window, data = prepared("correlated"), method = "REML", correlation = corCAR1(form = ~ time | session),
  control = glsControl(opt = "optim", msMaxIter = 500, tolerance = 1e-12))
unequal <- lme(y ~ condition * window, random = ~ 1 | participant / session, data = prepared("unequal"), method = "REML",
  weights = varIdent(form = ~ 1 | window), control = nlme_control)
phi <- function(model) list(rho = unname(coef(model$modelStruct$corStruct, unconstrained = FALSE)))
structures <- list(
  correlated = structured(correlated, phi),
  alone = c(list(coefficients = names(coef(alone)), estimate = unname(coef(alone)), se = unname(sqrt(diag(vcov(alone)))),
    log_likelihood = as.numeric(logLik(alone)), sigma = alone$sigma), phi(alone)),
  unequal = structured(unequal, function(m) {
    ratios <- coef(m$modelStruct$varStruct, unconstrained = FALSE, allCoef = TRUE)
    list(sd_by_window = as.list(ratios * m$sigma), random_sd = random_sd(m))
  }))

out <- list(
  r = as.character(getRversion()),
  packages = as.list(sapply(c("lme4", "lmerTest", "pbkrtest", "nlme"), function(p) as.character(packageVersion(p)))),
  designs = lapply(names(designs), fit_design),
  known = list(
    fit_known("sleepstudy", "sleepstudy.csv", Reaction ~ Days + (1 | Subject) + (0 + Days | Subject), "Reaction ~ Days"),
    fit_known("orthodont", "orthodont.csv", distance ~ age * Sex + (1 | Subject), "distance ~ age * Sex")),
  structures = structures)
writeLines(toJSON(out, auto_unbox = TRUE, digits = 12, pretty = TRUE), "designs.json")
