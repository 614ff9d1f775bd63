<?php

namespace Amm\Laravel\Connectors;

use Amm\Laravel\Route;
use Throwable;

/**
 * Dials a node of a cluster only once, where Laravel would try the same host again.
 */
trait DialsOnce
{
    /**
     * Whether the connection being made is to a node of a cluster.
     */
    private bool $once = false;

    /**
     * Establish a database connection.
     *
     * @return \PDO
     */
    public function connect(array $config)
    {
        $this->once = Route::of($config) !== null;

        return parent::connect($config);
    }

    /**
     * Handle an exception that occurred during connect execution.
     *
     * @param  string  $dsn
     * @param  string  $username
     * @param  string  $password
     * @param  array  $options
     * @return \PDO
     *
     * @throws \Throwable
     */
    protected function tryAgainIfCausedByLostConnection(Throwable $e, $dsn, $username, #[\SensitiveParameter] $password, $options)
    {
        if ($this->once) {
            throw $e;
        }

        return parent::tryAgainIfCausedByLostConnection($e, $dsn, $username, $password, $options);
    }
}
