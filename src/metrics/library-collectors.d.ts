/** The library declares its interface only; these files are what it is made of, one for each kind of process metric. */
declare module '@prometheus-io/client/lib/metrics/*.js' {
  const collect: (
    registry: import('@prometheus-io/client').Registry,
    /** In ms. */
    config: { readonly eventLoopMonitoringPrecision: number },
  ) => void;
  export default collect;
}
