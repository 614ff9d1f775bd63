<?php

namespace Amm\Laravel\Config;

use PDO;
use Pdo\Mysql;

/**
 * Reads PDO's TLS options as the extension's "tls" key, for its probes.
 */
final class TlsOptions
{
    /**
     * The PDO option behind each key.
     */
    private const KEYS = ['ca' => 'SSL_CA', 'cert' => 'SSL_CERT', 'key' => 'SSL_KEY', 'verify' => 'SSL_VERIFY_SERVER_CERT'];

    /**
     * Get the "tls" key for the given PDO options; empty if there is none to set.
     *
     * @param  array<int, mixed>  $options
     * @return array{ca?: string, cert?: string, key?: string, verify?: bool}
     */
    public static function from(array $options): array
    {
        $tls = [];

        foreach (self::KEYS as $key => $name) {
            $option = self::option($name);

            if (isset($options[$option])) {
                $tls[$key] = $key === 'verify' ? (bool) $options[$option] : self::absolute((string) $options[$option]);
            }
        }

        return $tls;
    }

    /**
     * Get the absolute path of a file, which PDO may have been given relative to the working directory.
     */
    private static function absolute(string $path): string
    {
        return realpath($path) ?: $path;
    }

    /**
     * Get the number of a PDO option under the name this version of PHP wants.
     */
    private static function option(string $name): int
    {
        return constant(class_exists(Mysql::class) ? Mysql::class."::ATTR_{$name}" : PDO::class."::MYSQL_ATTR_{$name}");
    }
}
