"""Networks for thinc: sources in; entities, losses, or hidden states out."""
