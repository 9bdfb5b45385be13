"""Rate ratios for repeat episodes: the Cox model on the counting process, with errors that know children (E5, E6).

``cells`` and ``risk`` know who is at risk when, ``likelihood`` the sums that the model needs, ``covariates`` and
``design`` the columns, ``newton`` and ``model`` the fitting; the other modules work on a model that is fitted.
"""
