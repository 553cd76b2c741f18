import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../src/policy/configuration.ts';

const read = (server: JsonObject) => readConfiguration({ ...EMPTY_CONFIGURATION_FILE, server });

describe('The limits of the server', () => {
  it.each<[JsonObject, string]>([
    [{ maxBodyBytesInFlight: 65_535 }, '/server/maxBodyBytesInFlight 65535 must be >= 65536'],
    [{ maxBodyBytesInFlight: 1_073_741_825 }, '/server/maxBodyBytesInFlight 1073741825 must be <= 1073741824'],
    [
      { maxBodyBytesInFlight: 8_388_607 },
      '/server/maxBodyBytesInFlight 8388607 must be >= bodyLimitBytes, which is 8388608',
    ],
    [
      { bodyLimitBytes: 67_108_864 },
      '/server/maxBodyBytesInFlight 33554432 must be >= bodyLimitBytes, which is 67108864',
    ],
  ])('%j are refused: %s', (server, sentence) => {
    const result = read(server);
    expect(result.ok ? [] : result.problems.map(({ path, problem }) => `${path} ${problem}`)).toEqual([sentence]);
  });

  it.each<[JsonObject]>([
    [{}],
    [{ bodyLimitBytes: 33_554_432 }],
    [{ bodyLimitBytes: 65_536, maxBodyBytesInFlight: 65_536 }],
    [{ bodyLimitBytes: 67_108_864, maxBodyBytesInFlight: 1_073_741_824 }],
  ])('%j are accepted', (server) => {
    expect(read(server)).toMatchObject({ ok: true, configuration: { server } });
  });
});
