"""What every service of pulse shares. Standard library only."""
