"""More data from the data at hand: other views of the same examples, drawn anew in every epoch.

An augmentation is called with the examples of a batch, the epoch, and the numbers of the rows. What it does to a row is
a function of the seed, the epoch and the row: the same in whatever batch the row comes, and after a resume.
``nn.Model.fit(augment=...)`` applies one to what is trained on, never to what is measured.
"""

from likewise.data.augment.images import Images
from likewise.data.augment.sequences import Sequences

__all__ = ["Images", "Sequences"]
