<?php

namespace Amm\Laravel\Connections;

use Illuminate\Database\MariaDbConnection as StockMariaDbConnection;

final class MariaDbConnection extends StockMariaDbConnection
{
    use FollowsWriter;
}
