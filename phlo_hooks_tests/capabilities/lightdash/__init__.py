"""LightdashResource, on a strict Lightdash of ours."""
