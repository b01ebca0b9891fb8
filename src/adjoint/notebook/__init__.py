"""What a prompt and a notebook show: text as it stands, and HTML that loads nothing."""
