"""Areas: the parts of a site that doors lead from and to, and how many people are in each."""
