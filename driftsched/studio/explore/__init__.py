"""The parts of the Explore page, in the order in which it shows them."""
