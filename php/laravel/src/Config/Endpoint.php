<?php

namespace Amm\Laravel\Config;

use Amm\Node;
use InvalidArgumentException;

/**
 * One host of a connection and the configuration to dial it with.
 */
final class Endpoint
{
    /**
     * Create a new endpoint instance.
     *
     * @param  array<string, mixed>  $config
     */
    private function __construct(
        public string $host,
        public int $port,
        public array $config,
    ) {
    }

    /**
     * Read "host", "host:port", "[host]:port" or a node of the extension's own configuration.
     *
     * @param  array<string, mixed>  $config  the connection's configuration, with the port for hosts that name none
     */
    public static function parse(mixed $host, array $config): self
    {
        $settings = is_array($host) ? $host : (str_starts_with((string) $host, '/') ? ['socket' => $host] : compact('host'));

        $settings += isset($settings['socket']) ? ['host' => 'localhost'] : [];

        if (! is_string($settings['host'] ?? null)) {
            throw new InvalidArgumentException(
                'A host of a database connection must be a string, '.get_debug_type($settings['host'] ?? null).' given.'
            );
        }

        preg_match('/^(?:\[(?<v6>[^]]+)]|(?<name>[^:]+))(?::(?<port>\d+))?$/D', $settings['host'], $parts);

        return self::at(
            ($parts['v6'] ?? '') ?: ($parts['name'] ?? $settings['host']),
            (int) ($settings['port'] ?? $parts['port'] ?? ($config['port'] ?? null) ?: 3306),
            isset($settings['socket']) ? ['unix_socket' => $settings['socket']] + $config : $config
        );
    }

    /**
     * Get the endpoint of a node, dialled with the configuration of another one.
     *
     * @param  array<string, mixed>  $config
     */
    public static function of(Node $node, array $config): self
    {
        return self::at($node->host, $node->port, ['unix_socket' => null] + $config);
    }

    /**
     * Get the endpoint at the given address.
     *
     * @param  array<string, mixed>  $config
     */
    private static function at(string $host, int $port, array $config): self
    {
        return new self($host, $port, array_merge($config, compact('host', 'port')));
    }

    /**
     * Get the id that the extension gives the node.
     */
    public function id(): string
    {
        $host = strtolower($this->host);

        if (! empty($this->config['unix_socket']) && $host === 'localhost') {
            return $this->config['unix_socket'];
        }

        return str_contains($host, ':')
            ? '['.(($address = @inet_pton($host)) ? inet_ntop($address) : $host).']:'.$this->port
            : $host.':'.$this->port;
    }

    /**
     * Get the node as the extension is told about it.
     *
     * @return array<string, mixed>
     */
    public function node(): array
    {
        $node = ['host' => $this->host, 'port' => $this->port];

        return empty($this->config['unix_socket']) ? $node : $node + ['socket' => $this->config['unix_socket']];
    }
}
