"""What error messages mean: data, and the matcher behind `envcheck explain`."""
