"""What must be known of the environments that human demonstrations belong to, beyond what Gymnasium tells."""
