"""Wide random networks in the mean-field limit: length and correlation maps, the critical line, finite width."""
