"""``maco-lab maco``: configure and use the MaCo of the running lab, by its API."""
