# Reference fits of lme4, lmerTest and pbkrtest. Run in this folder: Rscript golden.R
# Reads crossovers.csv, writes golden.json.
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(jsonlite)})

all_data <- read.csv("crossovers.csv", colClasses = c(period = "character"))
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e6), calc.derivs = FALSE)

two <- "(1 | participant) + (1 | session)"
four <- "(1 | participant) + (0 + loading | participant) + (1 | session) + (0 + loading | session)"
cases <- list(
  list(name = "balanced, two terms", dataset = "balanced", fixed = "condition + period + window", random = two),
  list(name = "balanced, four terms", dataset = "balanced", fixed = "condition * window + period * window", random = four),
  list(name = "unbalanced, two terms", dataset = "unbalanced", fixed = "condition + period + window", random = two),
  list(name = "unbalanced, covariate", dataset = "unbalanced", fixed = "condition + period + window + fwhm_hz", random = two),
  list(name = "unbalanced, four terms", dataset = "unbalanced", fixed = "condition * window + period + fwhm_hz", random = four),
  list(name = "varied, four terms", dataset = "varied", fixed = "condition * window + period + fwhm_hz", random = four),
  list(name = "boundary, two terms", dataset = "boundary", fixed = "condition + period + window", random = two)
)

fit_case <- function(case) {
  data <- all_data[all_data$dataset == case$dataset, ]
  model <- lmerTest::lmer(as.formula(paste("y ~", case$fixed, "+", case$random)), data = data, REML = TRUE, control = control)
  kr <- summary(model, ddf = "Kenward-Roger")$coefficients
  satterthwaite <- summary(model, ddf = "Satterthwaite")$coefficients
  tested <- grep("^window|^condition[^:]*$", names(fixef(model)))
  joint <- matrix(0, length(tested), length(fixef(model)))
  joint[cbind(seq_along(tested), tested)] <- 1
  f <- pbkrtest::KRmodcomp(model, joint)$test["Ftest", ]
  variances <- as.data.frame(VarCorr(model))
  table <- function(m) lapply(split(m, rownames(m)), function(row) setNames(as.list(row), c("estimate", "se", "df", "t", "p")))
  list(
    name = case$name, dataset = case$dataset, fixed = case$fixed, log_likelihood = as.numeric(logLik(model)),
    singular = isSingular(model), coefficients = names(fixef(model)),
    components = setNames(as.list(variances$vcov), ifelse(is.na(variances$var1), variances$grp, paste(variances$grp, variances$var1))),
    kenward_roger = table(kr), satterthwaite = table(satterthwaite),
    joint = list(coefficients = names(fixef(model))[tested], f = f$stat, df_numerator = f$ndf, df_denominator = f$ddf, p = f$p.value)
  )
}

# The contrast of changes from baseline, averaged over the infusion windows, with period adjusted for in each phase.
fit_change <- function(dataset, covariate) {
  data <- all_data[all_data$dataset == dataset, ]
  data$period_code <- ifelse(data$period == "2", 1, -1)
  data$phase <- ifelse(data$loading < 0, "baseline", "infusion")
  fixed <- paste("y ~ 0 + condition:window + period_code:phase", if (covariate) "+ fwhm_hz" else "")
  model <- lmerTest::lmer(as.formula(paste(fixed, "+", four)), data = data, REML = TRUE, control = control)
  names <- names(fixef(model))
  treated <- ifelse(grepl("^conditionnaltrexone", names), 1, ifelse(grepl("^conditionplacebo", names), -1, 0))
  weights <- treated * ifelse(grepl("windoww0", names), -1, 1 / 5)
  list(dataset = dataset, covariate = covariate, singular = isSingular(model),
    kenward_roger = as.list(lmerTest::contest1D(model, weights, ddf = "Kenward-Roger", confint = TRUE)))
}

versions <- sapply(c("lme4", "lmerTest", "pbkrtest"), function(p) as.character(packageVersion(p)))
out <- list(r = as.character(getRversion()), packages = as.list(versions), cases = lapply(cases, fit_case),
  changes = list(fit_change("varied", FALSE), fit_change("varied", TRUE), fit_change("balanced", FALSE), fit_change("unbalanced", TRUE)))
writeLines(toJSON(out, auto_unbox = TRUE, digits = 12, pretty = TRUE), "golden.json")
