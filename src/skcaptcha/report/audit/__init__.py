"""The report on an audit."""

from skcaptcha.report.audit._report import audit_report
from skcaptcha.report.audit._summary import audit_summary

__all__ = ["audit_report", "audit_summary"]
