// How the options of OpenDroneMap are shown: by what they are about. What a node lists beyond these comes last.

export const groups = [
  {
    title: 'Results',
    names: [
      'fast-orthophoto', 'dsm', 'dtm', 'skip-orthophoto', 'skip-3dmodel', 'skip-report', 'pc-classify', 'tiles',
      '3d-tiles', 'gltf', 'pc-las', 'pc-csv', 'pc-ept', 'pc-copc', 'orthophoto-png', 'orthophoto-kmz', 'cog',
      'build-overviews',
    ],
  },
  { title: 'Area and position', names: ['auto-boundary', 'auto-boundary-distance', 'boundary', 'crop'], starts: ['gps-', 'force-gps', 'use-exif'] },
  { title: 'Orthophoto', starts: ['orthophoto-', 'merge-skip-blending'] },
  { title: 'Elevation models', starts: ['dem-', 'smrf-'] },
  { title: 'Point cloud', starts: ['pc-'] },
  { title: 'Mesh and texture', starts: ['mesh-', 'texturing-', 'use-3dmesh'] },
  {
    title: 'Cameras and matching',
    names: ['min-num-features', 'ignore-gsd', 'primary-band', 'skip-band-alignment', 'sky-removal', 'bg-removal'],
    starts: ['feature-', 'matcher-', 'camera', 'sfm-', 'use-', 'radiometric-', 'rolling-shutter'],
  },
  { title: 'Video', starts: ['video-'] },
  {
    title: 'Machine and large datasets',
    names: ['max-concurrency', 'no-gpu', 'optimize-disk-space', 'split', 'split-overlap', 'merge'], starts: ['sm-'],
  },
  { title: 'Stages', names: ['end-with', 'rerun-from'] },
];

/** The group of the options that no other one names. */
export const otherTitle = 'Other';

/** The title under which an option is shown. */
export function titleFor(name) {
  const named = groups.find((group) => group.names?.includes(name));
  const group = named ?? groups.find((group) => group.starts?.some((start) => name.startsWith(start)));
  return group?.title ?? otherTitle;
}

/** Sets of options for common wishes; one is offered only where the node lists all of its options. */
export const presets = [
  { id: 'standard', label: 'Standard', help: 'Orthophoto, point cloud and textured model, as the node has it by default.', options: {} },
  {
    id: 'fast', label: 'Fast orthophoto', help: 'A map of flat ground in a fraction of the time, without a full 3D model.',
    options: { 'fast-orthophoto': 'true', 'auto-boundary': 'true' },
  },
  {
    id: 'elevation', label: 'Elevation models', help: 'Adds a surface model (DSM) and a terrain model (DTM).',
    options: { dsm: 'true', dtm: 'true', 'auto-boundary': 'true' },
  },
  {
    id: 'quality', label: 'High quality', help: 'A finer map and surface model; takes several times as long and more memory.',
    options: {
      'feature-quality': 'ultra', 'pc-quality': 'high', 'orthophoto-resolution': '2', dsm: 'true', 'dem-resolution': '2',
      'auto-boundary': 'true',
    },
  },
];
