"""What Prometheus reads: figures as families of samples, and the two text formats they are sent in."""
