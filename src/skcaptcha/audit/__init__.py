"""Measure how easily a captcha scheme is read by a program, and which of its defenses help."""

from skcaptcha.audit._audit import audit_captchas
from skcaptcha.audit._result import Audit

__all__ = ["Audit", "audit_captchas"]
