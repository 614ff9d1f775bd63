<?php

namespace Amm\Laravel\Connectors;

use Illuminate\Database\Connectors\MySqlConnector;

final class MySqlDialler extends MySqlConnector
{
    use DialsOnce;
}
