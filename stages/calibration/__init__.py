"""From what is known of a claim and its evidence to a calibrated probability that the claim is supported."""
