"""Taking in what sources bring in their own words: kept as it came, mapped, posted; what cannot be is held."""
