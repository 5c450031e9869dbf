"""What the package costs, as ratios against its peers, measured side by side on this machine."""
