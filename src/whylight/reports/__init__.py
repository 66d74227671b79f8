"""Tables, plots and pages of finished runs, published figures beside ours."""
