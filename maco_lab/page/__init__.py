"""The lab page and the API behind it: what a running lab is and shows, for a browser and for scripts, on loopback."""
