<?php

namespace App;

use Illuminate\Database\Connectors\MySqlConnector;

/**
 * Laravel's own connector, each dial of which is logged: for runs without the extension.
 */
final class LoggedConnector extends MySqlConnector
{
    public function __construct(private DialLog $log)
    {
    }

    protected function createPdoConnection($dsn, $username, $password, $options)
    {
        preg_match('/host=([^;]+);port=(\d+)/', $dsn, $target);

        $node = "{$target[1]}:{$target[2]}";

        $this->log->dialing($node);

        $pdo = parent::createPdoConnection($dsn, $username, $password, $options);

        $this->log->dialed($node, $pdo);

        return $pdo;
    }
}
