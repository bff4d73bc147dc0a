"""What `mutda doctor` looks at: one file for each part, one line for each finding."""
