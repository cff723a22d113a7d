"""The study of faces: what a face embedding ignores, person by person."""

from fiberscope.analysis.faces.run import FacesChoice, FacesDone, run_faces

__all__ = ["FacesChoice", "FacesDone", "run_faces"]
