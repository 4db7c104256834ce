"""The report on an audit."""

from skcaptcha.report.audit._audit_report import audit_report
from skcaptcha.report.audit._conclusion import audit_summary

__all__ = ["audit_report", "audit_summary"]
