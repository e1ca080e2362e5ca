"""One question's spans as a picture, after the paper's figure 2."""
