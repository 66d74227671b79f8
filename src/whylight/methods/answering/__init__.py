"""Methods over the attention of a language model that answers: one short file each."""
