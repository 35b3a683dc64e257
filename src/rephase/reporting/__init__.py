"""What reports share: tables and files, plots in one style, and pages that open from disk."""
