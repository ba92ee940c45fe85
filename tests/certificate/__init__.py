"""Tests of certificates, and what they share."""
