"""Evaluate a model on labeled captchas, and find out why it misreads some of them."""

from skcaptcha.inspection._calibration_bins import CalibrationBin, calibration_bins
from skcaptcha.inspection._error_cause import ErrorCause, explain_error
from skcaptcha.inspection._evaluate import evaluate, summarize
from skcaptcha.inspection._labeled_predictions import LabeledPrediction, predict_labeled
from skcaptcha.inspection._step_times import StepTime, time_steps
from skcaptcha.inspection._trace import Trace, trace

__all__ = [
    "CalibrationBin",
    "ErrorCause",
    "LabeledPrediction",
    "StepTime",
    "Trace",
    "calibration_bins",
    "evaluate",
    "explain_error",
    "predict_labeled",
    "summarize",
    "time_steps",
    "trace",
]
