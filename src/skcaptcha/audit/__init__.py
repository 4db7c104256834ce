"""Measure how easily a captcha scheme is read by a program, and which of its defenses help."""

from skcaptcha.audit._audit import Audit
from skcaptcha.audit._audit_captchas import audit_captchas

__all__ = ["Audit", "audit_captchas"]
