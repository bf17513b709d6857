//! Every operation attacked as nobody and as a stranger.
