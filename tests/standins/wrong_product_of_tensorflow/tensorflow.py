"""TensorFlow whose matrix products are off by one percent."""

from stand_in import behind

tensorflow = behind(__name__, __file__)
_real = tensorflow.matmul

tensorflow.matmul = lambda *arguments, **options: _real(*arguments, **options) * 1.01
