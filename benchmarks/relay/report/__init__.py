"""What becomes of the samples: medians, ratios, verdicts, and the tables that show them."""
