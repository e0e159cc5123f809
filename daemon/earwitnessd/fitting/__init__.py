"""Fit a calibration to trials whose answers are known."""
