"""Many pictures: runs that can be stopped at any moment and started again, and reports of what they found."""
